"""What impasto says on paper: tables, contact sheets, curves and pages, and the folders that they are put into."""
