package transfer

type builder struct {
	*store
	layout *layout
}
