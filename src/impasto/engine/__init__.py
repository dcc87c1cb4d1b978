"""Painting in one pass without PyTorch: pictures of any size, in numpy, by three calls that a backend answers.

`encode` turns a picture into features and their statistics, `paint` makes a picture of features that have been given
others. Only statistics are global, so that tiles add up to the very picture that would be painted at once.
"""
