package simulator

// Step is a point at which the server depends on its database or its mailer.
type Step string

// Steps in the order in which a call meets them.
const (
	StepAuthenticate Step = "find the caller"
	StepSecondFactor Step = "read the caller for the second factor"
	StepLookUp       Step = "look up the target"
	StepRecipient    Step = "read the target for the mail"
	StepMail         Step = "hand over a mail"
	StepReset        Step = "update the target"
	StepLogOut       Step = "wipe the target's tokens"
)

// Fault decides whether a step fails, and how: a non-nil error makes the server
// answer as for an exception with that message. It runs without any lock, so it
// may also change the workspace between two steps.
type Fault func(step Step, userID string) error

// SetFault installs a Fault; nil removes it.
func (w *Workspace) SetFault(f Fault) {
	w.mu.Lock()
	defer w.mu.Unlock()
	w.fault = f
}

func (w *Workspace) try(step Step, userID string) error {
	w.mu.Lock()
	f := w.fault
	w.mu.Unlock()
	if f == nil {
		return nil
	}
	return f(step, userID)
}
