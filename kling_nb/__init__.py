"""Segmind's hosted Kling models in a notebook."""
