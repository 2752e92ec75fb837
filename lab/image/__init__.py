"""What goes into the lab's Alluxio image besides Debian: the jars, and our launcher."""
