"""Pretrained encoders of Hugging Face, on this machine: fine-tuned, or frozen as features."""
