"""The doors on HTTP. Needs the extra `web`; the command line imports it only when it serves."""
