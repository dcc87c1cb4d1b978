"""What every HTTP server of impasto's has before its app, whatever it serves: limits of time, number and size."""
