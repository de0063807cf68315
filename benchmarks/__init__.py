"""What Starshift costs and reaches, beside others, on one machine and in one run."""
