"""The tools that come with CodeLab; they use the SDK only, like everybody's."""
