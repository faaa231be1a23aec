"""The sample stacks and the people of the demo."""
