"""That what makes the program quick changes nothing that a person sees."""
