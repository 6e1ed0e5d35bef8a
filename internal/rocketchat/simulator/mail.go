package simulator

import "strings"

// mail hands a message over for delivery. Delivery itself cannot fail the call,
// but the hand-over can: the address must have one part before and one after a
// single "@".
func (w *Workspace) mail(m Mail) error {
	local, domain, _ := strings.Cut(m.To, "@")
	if local == "" || domain == "" || strings.Contains(domain, "@") {
		return &refusal{code: "invalid email"}
	}
	if err := w.try(StepMail, m.UserID); err != nil {
		return err
	}
	w.ledger.write(func(j *Journal) { j.Mails = append(j.Mails, m) })
	return nil
}

// notice is the mail that tells users their credential was reset.
type notice struct {
	subject  string
	function string // named in the details when the mail fails
}

// announce mails a notice to every verified address of the target. Where the
// mail is deferred, only its absence tells that it failed.
func (w *Workspace) announce(userID string, n notice) error {
	if err := w.try(StepRecipient, userID); err != nil {
		return err
	}
	user, ok := w.User(userID)
	if !ok {
		return &refusal{code: "invalid-user"}
	}
	language := user.Language
	if language == "" {
		language = "en"
	}
	for _, address := range user.verifiedAddresses() {
		err := w.mail(Mail{To: address, Subject: n.subject, Language: language, UserID: userID})
		if err == nil || !w.era.mailSync {
			continue
		}
		return &refusal{
			code:   "error-email-send-failed",
			reason: "Error trying to send email: " + err.Error(),
			details: struct {
				Function string `json:"function"`
				Message  string `json:"message"`
			}{n.function, err.Error()},
		}
	}
	return nil
}
