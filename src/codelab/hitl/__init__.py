"""The human in the loop: policy, requests for approval, and the gate before protected tools."""
