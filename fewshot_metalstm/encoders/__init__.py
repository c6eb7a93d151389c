"""Pretrained encoders on this machine, of Hugging Face or of this package, frozen as features.

Those of Hugging Face can be fine-tuned too.
"""
