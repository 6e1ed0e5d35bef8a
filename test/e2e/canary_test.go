package e2e

import "context"

func searchCanaries(context.Context) error { return nil }
