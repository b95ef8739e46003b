"""What the model in use says of images, and that model as a file."""
