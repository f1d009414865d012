"""Training: collecting episodes, replay, targets, losses, the learner, checkpoints, the journal."""
