"""All recipes, by name."""

from __future__ import annotations

from lab.artifacts import (
    alluxio_images,
    core_images,
    helm_packages,
    jars,
    java_root,
    kubernetes_packages,
    node_root,
    programs,
    toolbox_image,
    trainer_image,
    zookeeper_image,
)
from lab.artifacts.recipe import Recipe

MODULES = (
    programs, node_root, core_images, jars, java_root, alluxio_images, helm_packages, kubernetes_packages,
    toolbox_image, trainer_image, zookeeper_image,
)  # fmt: skip
RECIPES: dict[str, Recipe] = {
    recipe.name: recipe for module in MODULES for recipe in module.RECIPES
}
