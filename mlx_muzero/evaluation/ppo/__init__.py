"""A rival that is trained as long as the agent and does not plan: proximal policy optimization.

Schulman, Wolski, Dhariwal, Radford and Klimov, "Proximal Policy Optimization Algorithms", 2017
(arXiv:1707.06347). It reads the same windows through the same encoder, trades in the same
environment at the same costs, and is chosen by the same validation split.
"""
