"""What groups clips by fault of scikit-learn, imported in two thirds of the usual time.

Scikit-learn and what it imports look for packages that nothing here uses: for tables, progress
bars, processes and Fortran sources of other encodings.
"""

from stethoscope.imports import quick_import

with quick_import("charset_normalizer", "pandas", "psutil", "rich"):
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.metrics import silhouette_score

__all__ = ["PCA", "KMeans", "silhouette_score"]
