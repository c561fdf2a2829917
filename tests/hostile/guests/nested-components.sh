# A component in a component, five thousand deep.
yes '(component' | head -n 5000
yes ')' | head -n 5000
