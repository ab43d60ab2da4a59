package service

// RegistryService is the room of registries and scans.
type RegistryService struct{ door *door }

// AgentService is the room of nodes and what they hold.
type AgentService struct{ door *door }

// AccessService is the room of the audit trail and of explanations.
type AccessService struct{ door *door }
