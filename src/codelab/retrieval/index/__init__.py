"""What is known of a workspace, in files beside the database."""
