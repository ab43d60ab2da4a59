package domain

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"unicode/utf8"
)

// ServiceProtocol is how a service inside a container is spoken to.
type ServiceProtocol string

// The service protocols. Preopen ports are opened by the container itself before
// anyone asks; model services must use it.
const (
	ServiceTCP     ServiceProtocol = "tcp"
	ServiceHTTP    ServiceProtocol = "http"
	ServicePreopen ServiceProtocol = "preopen"
	ServiceVNC     ServiceProtocol = "vnc"
	ServiceRDP     ServiceProtocol = "rdp"

	servicePTY ServiceProtocol = "pty" // still in old images; nothing serves it
)

// ServicePort is one service that an image declares and the ports it listens on.
type ServicePort struct {
	Name     string          `json:"name"`
	Protocol ServiceProtocol `json:"protocol"`
	Ports    []int           `json:"ports"`
}

var servicePortForm = regexp.MustCompile(
	`^\s*([A-Za-z0-9_-]{1,64}):([a-z]+):(?:([0-9]{1,5})|\[\s*([0-9]{1,5}(?:\s*,\s*[0-9]{1,5})*)\s*\])\s*$`)

// reservedPorts are taken by the runtime that sits beside every session.
var reservedPorts = []int{2000, 2001, 2002, 2003, 2200, 7681}

// ParseServicePorts reads the value of the service-ports label: a comma list of
// name:protocol:port or name:protocol:[port,port]. A blank value gives none.
//
// Protocols are tcp, http, preopen, vnc and rdp; services with protocol pty are
// passed over. Ports go from 1025 to 65534, appear once, and are not reserved
// (2000-2003, 2200, 7681). Errors are invalid, reason label_invalid, On the label.
func ParseServicePorts(s string) ([]ServicePort, error) {
	if strings.TrimSpace(s) == "" {
		return nil, nil
	}
	var services []ServicePort
	used := map[int]bool{}
	for _, item := range splitServices(s) {
		m := servicePortForm.FindStringSubmatch(item)
		if m == nil {
			return nil, badLabel(LabelServicePorts, Quote(item)+" is not of the form name:protocol:port or name:protocol:[port,port]")
		}
		service := ServicePort{Name: m[1], Protocol: ServiceProtocol(m[2])}
		switch service.Protocol {
		case servicePTY:
			continue
		case ServiceTCP, ServiceHTTP, ServicePreopen, ServiceVNC, ServiceRDP:
		default:
			return nil, badLabel(LabelServicePorts, "service "+m[1]+" has the unknown protocol "+Quote(m[2]))
		}
		for _, text := range listOf(m[3] + m[4]) {
			port, err := strconv.Atoi(text)
			if err != nil || port <= 1024 || port >= 65535 {
				return nil, badLabel(LabelServicePorts, "service "+m[1]+" has port "+text+", which is not from 1025 to 65534")
			}
			if slices.Contains(reservedPorts, port) {
				return nil, badLabel(LabelServicePorts, "service "+m[1]+" has port "+text+", which is reserved")
			}
			if used[port] {
				return nil, badLabel(LabelServicePorts, "port "+text+" is declared twice")
			}
			used[port] = true
			service.Ports = append(service.Ports, port)
		}
		services = append(services, service)
	}
	return services, nil
}

// splitServices splits at the commas outside of brackets.
func splitServices(s string) []string {
	var items []string
	start, inside := 0, false
	for i := range len(s) {
		switch s[i] {
		case '[', ']':
			inside = s[i] == '['
		case ',':
			if !inside {
				items, start = append(items, s[start:i]), i+1
			}
		}
	}
	return append(items, s[start:])
}

// CheckLabels checks the labels of an image against the schema of Backend.AI images
// and returns every problem it finds, in a fixed order; nil when there is none.
// Labels outside the schema pass. Each problem is invalid with reason label_invalid
// and On the label. Problems are for showing: an image that has some still works
// wherever the labels in question do not matter.
func CheckLabels(labels map[string]string) []error {
	var problems []error
	report := func(label, why string) { problems = append(problems, badLabel(label, why)) }

	names := slices.Sorted(maps.Keys(labels))
	for _, name := range names {
		if !storable(name) || !storable(labels[name]) {
			report(name, "name and value must be valid UTF-8 without NUL")
		}
	}
	if spec, given := labels[LabelKernelSpec]; given && strings.TrimSpace(spec) != "1" {
		report(LabelKernelSpec, "the only version is 1")
	}
	inference := false
	if role, given := labels[LabelRole]; given {
		switch strings.ToUpper(strings.TrimSpace(role)) {
		case "COMPUTE", "SYSTEM":
		case "INFERENCE":
			inference = true
		default:
			report(LabelRole, "the role is COMPUTE, INFERENCE or SYSTEM")
		}
	}
	for _, name := range listOf(labels[LabelAccelerators]) {
		if !acceleratorForm.MatchString(name) {
			report(LabelAccelerators, Quote(name)+" is not the name of an accelerator")
		}
	}
	if IsCustomized(labels) && OwnerOf(labels) == "" {
		report(LabelCustomizedOwner, "the owner has the form user:<id>")
	}
	services, err := ParseServicePorts(labels[LabelServicePorts])
	if err != nil {
		problems = append(problems, err)
	}
	if inference {
		problems = append(problems, checkInference(labels, services, err == nil)...)
	}
	_, minima := LabelLimits(labels)
	return append(append(problems, minima...), checkMaxima(labels, names)...)
}

// checkInference checks what images that serve models need beyond the rest.
// Services are nil and not known when their label cannot be read.
func checkInference(labels map[string]string, services []ServicePort, known bool) []error {
	var problems []error
	for _, label := range []string{LabelModelPath, LabelModelFormat} {
		if strings.TrimSpace(labels[label]) == "" {
			problems = append(problems, badLabel(label, "an INFERENCE image must have it"))
		}
	}
	endpoints := listOf(labels[LabelEndpointPorts])
	if len(endpoints) == 0 {
		problems = append(problems, badLabel(LabelEndpointPorts, "an INFERENCE image must name at least one"))
	}
	preopen := map[string]bool{}
	for _, s := range services {
		preopen[s.Name] = preopen[s.Name] || s.Protocol == ServicePreopen
	}
	for _, endpoint := range endpoints {
		if known && !preopen[endpoint] {
			problems = append(problems, badLabel(LabelEndpointPorts, Quote(endpoint)+" is not a declared service with protocol preopen"))
		}
	}
	return problems
}

// checkMaxima checks the resource.max labels. Nothing but the accelerators comes
// from them, yet a wrong one is a mistake that its author will want to see.
func checkMaxima(labels map[string]string, names []string) []error {
	var problems []error
	for _, name := range names {
		key, isMax := strings.CutPrefix(name, LabelResourceMaxPrefix)
		if !isMax {
			continue
		}
		slot, err := slotName(key)
		if err == nil {
			_, err = parseQuantity(slot, labels[name])
		}
		if err != nil {
			problems = append(problems, badLabel(name, MessageOf(err)))
		}
	}
	return problems
}

func badLabel(label, why string) error {
	return Invalid("label_invalid", excerpt(label), "label %s: %s", excerpt(label), why)
}

// storable tells what every database can hold as text.
func storable(s string) bool {
	return utf8.ValidString(s) && !strings.ContainsRune(s, 0)
}
