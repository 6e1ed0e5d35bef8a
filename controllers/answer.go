package controllers

import (
	"errors"

	"github.com/credentialreset/credential-reset-operator/internal/reset"
	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// errTooLate is returned at the end of a reset's dial when the time to send is
// over.
var errTooLate = errors.New("the time to send is over")

// answerOf translates what the client reports into what package reset judges.
func answerOf(err error) reset.Answer {
	if err == nil {
		return reset.Answer{Kind: reset.AnswerConfirmed, Status: 200}
	}
	if failure, ok := errors.AsType[*rocketchat.AnswerError](err); ok {
		return reset.Answer{
			Kind:          reset.AnswerReceived,
			Status:        failure.Status,
			RocketChat:    failure.RocketChat,
			LoginRequired: failure.LoginRequired,
			Code:          string(failure.ErrorType),
			TextCode:      string(failure.TextCode),
			Method:        failure.Details.Method,
			UserNotFound:  failure.UserNotFound,
			Federated:     failure.Federated || failure.Details.HasFunction,
		}
	}
	if failure, ok := errors.AsType[*rocketchat.TransportError](err); ok {
		switch {
		case failure.Connected:
			return reset.Answer{Kind: reset.AnswerLost}
		case errors.Is(err, errTooLate):
			return reset.Answer{Kind: reset.AnswerTooLate}
		}
		return reset.Answer{Kind: reset.AnswerNotConnected}
	}
	return reset.Answer{Kind: reset.AnswerWithheld}
}
