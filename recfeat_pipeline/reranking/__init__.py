"""A recommender's best candidates in another order: what is shown, answered, and gained."""
