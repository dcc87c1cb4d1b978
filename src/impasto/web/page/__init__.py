"""The web page, made with gradio. Needs the extra `web`."""
