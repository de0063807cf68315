"""Words to calls, results to sentences and exit codes."""
