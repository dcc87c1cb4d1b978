"""What every HTTP server of impasto's has before its app, whatever it serves: patience that ends, and bounds."""
