package controllers

import (
	"context"
	"strings"

	"github.com/credentialreset/credential-reset-operator/internal/rocketchat"
)

// chatClient is what the operator asks of a Rocket.Chat workspace, one method a
// route; see rocketchat.Client.
type chatClient interface {
	Info(ctx context.Context) (rocketchat.Info, error)
	Me(ctx context.Context) (rocketchat.Account, error)
	Permitted(ctx context.Context, roles []string) ([]string, error)
	UserByID(ctx context.Context, id string) (rocketchat.User, error)
	UserByUsername(ctx context.Context, username string) (rocketchat.User, error)
	ResetTOTP(ctx context.Context, reset rocketchat.Reset) error
	ResetE2EKey(ctx context.Context, reset rocketchat.Reset) error
	Close()
}

func (o *Operator) newClient(connection *rocketchat.Connection) *rocketchat.Client {
	server := connection.Server()
	return rocketchat.New(connection, rocketchat.Options{
		Policy: o.options.DialPolicy,
		Now:    o.clock.Local, // TOTP codes follow this machine's clock
		Observe: func(exchange rocketchat.Exchange) {
			// The limiter counts each route by itself; a permit is for these.
			if exchange.RateLimit.Exhausted && strings.HasPrefix(exchange.Route, "v1/users.") {
				o.gate.Close(server, exchange.RateLimit.Wait)
			}
		},
	})
}
