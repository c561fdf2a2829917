;; Exports nothing, so that there is nothing to run.
(component)
