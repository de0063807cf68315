"""The other ways, each written out as its own users write it: scripts that print one JSON object at the end."""
