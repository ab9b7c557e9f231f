"""What people say of pictures: corrections, and labelled pictures to learn from."""
