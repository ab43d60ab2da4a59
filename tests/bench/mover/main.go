package main

import (
	"context"
	"fmt"
	"os"

	"github.com/wharf-project/wharf/adapters/registry/transfer"
	"github.com/wharf-project/wharf/domain"
)

func main() {
	if err := run(context.Background(), os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}

func run(ctx context.Context, args []string) error {
	if len(args) != 4 {
		return fmt.Errorf("mover push|fetch|fetch-unsynced ADDRESS NAME HOST/PATH:TAG")
	}
	store, err := transfer.Open(ctx, args[1], transfer.Options{Unsynced: args[0] == "fetch-unsynced"})
	if err != nil {
		return err
	}
	ref, err := domain.ParseReference(args[3])
	if err != nil {
		return err
	}
	row := domain.Registry{Name: ref.Registry, URL: "http://" + ref.Registry, Type: domain.RegistryOCI}
	if args[0] == "push" {
		_, err = store.Push(ctx, domain.PushRequest{Local: args[2], Remote: ref, Registry: row}, nil)
		return err
	}
	_, err = store.Fetch(ctx, domain.FetchRequest{Local: args[2], Remote: ref, Registry: row}, nil)
	return err
}
