"""What a person should know about the data before believing a figure."""
