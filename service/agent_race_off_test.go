//go:build !race

package service_test

// fleetRaces: times measured under the race detector say nothing.
const fleetRaces = false
