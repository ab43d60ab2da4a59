// Package rbac is the Authorizer of Wharf: roles, permission patterns and
// reaches, evaluated by casbin.
//
// What belongs here: the casbin model, the default policy, the reading and
// checking of policies, and the tables that answer checks. What does not: which
// rows a reach stands for (the store), who the actor is (the transports'
// authentication), and SQL (the app gives [Rows] when roles live in a database).
package rbac
