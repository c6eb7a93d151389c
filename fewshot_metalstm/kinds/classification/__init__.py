"""Classification: texts of one label each, such as reviews."""
