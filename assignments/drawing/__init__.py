"""What `draw_dataset.py` draws with: a canvas, backgrounds, and everything that stands before them."""
