"""The guided tour of `codelab serve --demo`: a sample project and a model that follows a script."""
