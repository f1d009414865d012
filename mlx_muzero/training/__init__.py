"""Collecting episodes, replay, targets, losses, the learner, checkpoints and the journal."""
