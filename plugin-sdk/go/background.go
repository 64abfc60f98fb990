package tollgate

// BackgroundExport is what the package tollgate/background exports; a plugin calls its function On. It is a package of its own because a
// plugin exports what it imports.
type BackgroundExport struct {
	hook func() error
}

// background is that of the package, if the plugin has it.
var background *BackgroundExport

// NewBackgroundExport is for the package.
func NewBackgroundExport() *BackgroundExport {
	background = &BackgroundExport{}
	return background
}

// Register keeps the hook.
func (b *BackgroundExport) Register(hook func() error) {
	if b.hook != nil {
		misuse = "background.On was called twice: one function would replace the other"
	}
	b.hook = hook
}

func (b *BackgroundExport) tick() (err error) {
	defer begin().end()
	defer explainInto(&err)
	return b.hook()
}
