package service_test

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"github.com/wharf-project/wharf/actions"
	"github.com/wharf-project/wharf/adapters/rbac"
	"github.com/wharf-project/wharf/domain"
	"github.com/wharf-project/wharf/repository/bunstore"
	"github.com/wharf-project/wharf/service"
)

// Wharf inside another program: a database file, the default access policy, and
// an actor from the program's own authentication.
func ExampleNew() {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "wharf")
	check(err)
	defer os.RemoveAll(dir)

	store, err := bunstore.OpenSQLite(ctx, filepath.Join(dir, "wharf.db"))
	check(err)
	defer store.Close()
	check(store.Migrate(ctx))
	access, err := rbac.Default(service.Permissions())
	check(err)
	wharf, err := service.New(service.Config{Store: store, Authorizer: access})
	check(err)

	ctx = domain.WithActor(ctx, domain.Actor{ID: "alice", Role: domain.RoleUser, Domain: "default"})
	page, err := wharf.ListImages(ctx, actions.ListImagesAction{Page: domain.Page{Limit: 10}})
	fmt.Println(len(page.Images), err)

	_, err = wharf.RescanImages(ctx, actions.RescanImagesAction{})
	fmt.Println(domain.CodeOf(err), "-", domain.MessageOf(err))
	// Output:
	// 0 <nil>
	// forbidden - you lack the permission registry.rescan
}

func check(err error) {
	if err != nil {
		panic(err)
	}
}
