"""What groups clips by fault of scikit-learn, imported in three quarters of the usual time.

Scikit-learn imports pandas where it is installed, for tables that nothing here uses.
"""

from stethoscope.imports import quick_import

with quick_import("pandas"):
    from sklearn.cluster import KMeans
    from sklearn.decomposition import PCA
    from sklearn.metrics import silhouette_score

__all__ = ["PCA", "KMeans", "silhouette_score"]
