module n-containers

go 1.24

require orchestrator v0.1.0

replace orchestrator => ../../orchestrator-go
