"""Whether two trees are the same answer: one file for each kind of answer."""
