"""What people do with a trained model: reconstruct, compress, inpaint, edit, translate, enhance."""
