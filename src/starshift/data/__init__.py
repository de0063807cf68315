"""Reading: from folders, zips and label files to pictures, pixels and parts."""
