"""The Telegram bot: photos and paintings in, photos as paintings out, over the same service as the other doors.

Nothing here imports PyTorch, and nothing but `texts` holds a sentence that a user reads.
"""
