"""Mathematical answers: `reading` makes trees of them, `comparing` compares the trees."""
