"""Training, read as data flows: recipe -> data -> scenes -> rounds -> loss -> loop."""
