module orchestrator

go 1.24
