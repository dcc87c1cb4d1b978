"""Films: frames read, painted so that they hold still, and written with everything else that the file had."""
